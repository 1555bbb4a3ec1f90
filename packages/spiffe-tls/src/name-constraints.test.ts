import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type GeneralName, NameForm } from './general-name.ts';
import { checkNameConstraints } from './name-constraints.ts';

const uri = (text: string): GeneralName => ({ form: NameForm.uri, text });
const dns = (text: string): GeneralName => ({ form: NameForm.dns, text });
const email = (text: string): GeneralName => ({ form: NameForm.email, text });
const directory: GeneralName = { form: NameForm.directory, text: '' };
const address: GeneralName = { form: 7, text: '' };

interface Case {
  readonly permitted?: readonly GeneralName[];
  readonly excluded?: readonly GeneralName[];
  readonly names: readonly GeneralName[];
  readonly subjectEmpty?: boolean;
}

const check = ({ permitted = [], excluded = [], names, subjectEmpty = true }: Case): void =>
  checkNameConstraints({ permitted, excluded }, { subjectAltNames: names, subjectEmpty });

const accepted: readonly (readonly [string, Case])[] = [
  ['the permitted host', { permitted: [uri('example.org')], names: [uri('spiffe://example.org/a')] }],
  ['one of two permitted hosts', { permitted: [uri('a.test'), uri('b.test')], names: [uri('spiffe://b.test/a')] }],
  [
    'a host below one with a leading dot',
    { permitted: [uri('.example.org')], names: [uri('spiffe://prod.example.org/a')] },
  ],
  ['any host under an empty constraint', { permitted: [uri('')], names: [uri('spiffe://example.org/a')] }],
  ['a host other than the excluded', { excluded: [uri('example.com')], names: [uri('spiffe://example.org/a')] }],
  [
    'a host that only ends like the excluded',
    { excluded: [uri('.example.org')], names: [uri('spiffe://example.org/a')] },
  ],
  ['hosts in another case', { permitted: [uri('EXAMPLE.org')], names: [uri('https://Example.ORG/a')] }],
  [
    'a form of name that nothing constrains',
    { permitted: [dns('example.org')], names: [uri('spiffe://other.test/a')] },
  ],
  ['a DNS name below the permitted', { permitted: [dns('example.org')], names: [dns('a.b.example.org')] }],
  ['the permitted DNS name itself', { permitted: [dns('example.org')], names: [dns('EXAMPLE.org')] }],
  ['a wildcard within the permitted', { permitted: [dns('example.org')], names: [dns('*.example.org')] }],
  [
    'a constraint on a form that the certificate has not',
    { permitted: [directory, email('x'), address], names: [uri('spiffe://a.test/a')] },
  ],
];

const refused: readonly (readonly [string, Case])[] = [
  ['another host', { permitted: [uri('example.org')], names: [uri('spiffe://example.com/a')] }],
  ['a host below one without a dot', { permitted: [uri('example.org')], names: [uri('spiffe://a.example.org/a')] }],
  [
    'the host itself of a constraint with a dot',
    { permitted: [uri('.example.org')], names: [uri('spiffe://example.org/a')] },
  ],
  [
    'a host that only ends like the permitted',
    { permitted: [uri('.example.org')], names: [uri('spiffe://evilexample.org/a')] },
  ],
  ['the excluded host', { excluded: [uri('example.org')], names: [uri('spiffe://example.org/a')] }],
  ['the excluded host in another case', { excluded: [uri('Example.org')], names: [uri('https://EXAMPLE.org/a')] }],
  [
    'a host that is permitted and excluded',
    { permitted: [uri('a.test')], excluded: [uri('a.test')], names: [uri('spiffe://a.test/a')] },
  ],
  ['every host under an empty exclusion', { excluded: [uri('')], names: [uri('spiffe://example.org/a')] }],
  [
    'one bad URI among good ones',
    { permitted: [uri('a.test')], names: [uri('spiffe://a.test/a'), uri('https://b.test/')] },
  ],
  ['a URI without a host', { permitted: [uri('example.org')], names: [uri('urn:uuid:1')] }],
  ['a URI without a host, under an exclusion', { excluded: [uri('example.org')], names: [uri('urn:uuid:1')] }],
  ['userinfo before the host', { excluded: [uri('example.org')], names: [uri('https://user@example.org/')] }],
  ['a port after the host', { excluded: [uri('example.org')], names: [uri('https://example.org:8443/')] }],
  ['an encoded host', { excluded: [uri('example.org')], names: [uri('https://ex%61mple.org/')] }],
  ['another DNS name', { permitted: [dns('example.org')], names: [dns('example.com')] }],
  [
    'a DNS name that only ends like the permitted',
    { permitted: [dns('example.org')], names: [dns('evilexample.org')] },
  ],
  ['the excluded DNS name', { excluded: [dns('example.org')], names: [dns('a.example.org')] }],
  ['a wildcard that covers the excluded', { excluded: [dns('a.example.org')], names: [dns('*.example.org')] }],
  ['a wildcard above the permitted', { permitted: [dns('a.example.org')], names: [dns('*.example.org')] }],
  [
    'an email address under a constraint on them',
    { permitted: [email('example.org')], names: [email('a@example.org')] },
  ],
  ['an IP address under a constraint on them', { excluded: [address], names: [address] }],
  ['a subject under a directory constraint', { permitted: [directory], names: [], subjectEmpty: false }],
  [
    'a subject under an email constraint, for its emailAddress',
    { excluded: [email('x')], names: [], subjectEmpty: false },
  ],
];

for (const [name, input] of accepted) {
  test(`L16 name constraints: accepts ${name}`, () => assert.doesNotThrow(() => check(input)));
}
for (const [name, input] of refused) {
  test(`L16 name constraints: refuses ${name}`, () => assert.throws(() => check(input), { code: 'NAME_CONSTRAINT' }));
}
