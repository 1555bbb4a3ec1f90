/** One certificate, field by field, by openssl's names; its PEM to copy. */
import { ChevronRight } from 'lucide-react';
import { Button, Disclosure, DisclosurePanel, Heading } from 'react-aria-components';
import type { CertificateView } from '../../../src/wire/actions.ts';
import { CopyButton, type Fact, Facts, Tag, Term } from '../design/index.ts';

type CertificateText = CertificateView['chain'][number];

export function CertificateFacts({ certificate }: { readonly certificate: CertificateText }) {
  return (
    <div className="certificate">
      <Facts facts={factsOf(certificate)} />
      <Disclosure className="certificate-pem">
        <Heading level={5}>
          <Button slot="trigger" className="button button-quiet button-s">
            <ChevronRight aria-hidden className="certificate-chevron" />
            <span>PEM</span>
          </Button>
        </Heading>
        <DisclosurePanel>
          <div className="certificate-text">
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
            <pre tabIndex={0}>{certificate.pem}</pre>
            <CopyButton text={certificate.pem} what="the certificate" />
          </div>
        </DisclosurePanel>
      </Disclosure>
    </div>
  );
}

function factsOf(certificate: CertificateText): readonly Fact[] {
  const { subject, issuer, serial, notBefore, notAfter, uriSans, dnsSans, keyUsage, extendedKeyUsage } = certificate;
  const sans = [...uriSans.map((uri) => `URI:${uri}`), ...dnsSans.map((name) => `DNS:${name}`)];
  return [
    { id: 'subject', name: 'Subject', value: subject || '(empty)' },
    { id: 'issuer', name: 'Issuer', value: issuer || '(empty)' },
    { id: 'serial', name: 'Serial Number', value: <code>{serial}</code> },
    { id: 'before', name: 'Not Before', value: notBefore },
    { id: 'after', name: 'Not After', value: notAfter },
    { id: 'san', name: <Term id="san">Subject Alternative Name</Term>, value: <Lines lines={sans} /> },
    { id: 'usage', name: 'Key Usage', value: keyUsage.join(', ') || undefined },
    { id: 'extended', name: 'Extended Key Usage', value: extendedKeyUsage.join(', ') || undefined },
    { id: 'ca', name: 'Basic Constraints', value: certificate.ca ? <Tag tone="accent">CA:TRUE</Tag> : 'CA:FALSE' },
    { id: 'key', name: 'Public Key', value: certificate.key },
    { id: 'algorithm', name: 'Signature Algorithm', value: certificate.signatureAlgorithm },
    {
      id: 'print',
      name: <Term id="fingerprint">SHA-256 Fingerprint</Term>,
      value: <code>{certificate.sha256Fingerprint}</code>,
    },
  ];
}

function Lines({ lines }: { readonly lines: readonly string[] }) {
  return lines.map((line) => (
    <span key={line} className="line-of-many">
      <code>{line}</code>
    </span>
  ));
}
