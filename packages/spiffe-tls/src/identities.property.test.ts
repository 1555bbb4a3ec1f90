/**
 * Properties of the parsers of IDs and addresses: any text is read, and then printed unchanged, or refused with their code.
 */
import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import { nearSpiffeId, nearText, propertyRuns } from '@countersign/testkit';
import fc from 'fast-check';
import { attempt } from '../test/attempt.ts';
import { SpiffeId } from './spiffe-id.ts';
import { TrustDomain } from './trust-domain.ts';
import { parseWorkloadEndpoint } from './workload-endpoint.ts';

test('L7 T15 property: a text near a SPIFFE ID is one exactly as it stands, or is refused', () => {
  fc.assert(
    fc.property(nearSpiffeId(), (text) => {
      const id = attempt(['INVALID_SPIFFE_ID'], () => SpiffeId.parse(text));
      if (id === undefined) return;
      assert.equal(id.toString(), text);
      assert.equal(SpiffeId.from(id.trustDomain, ...id.segments).toString(), text, 'its parts make it again');
      assert.ok(Buffer.byteLength(text) <= 2048 && id.trustDomain.name.length <= 255);
      assert.doesNotMatch(id.path, /[^a-zA-Z0-9._/-]|\/\.\.?(\/|$)|\/\/|\/$/);
    }),
    propertyRuns(2000),
  );
});

test('L6 property: normalizing changes the case of scheme and trust domain, and nothing else', () => {
  fc.assert(
    fc.property(nearSpiffeId(), (text) => {
      const id = attempt(['INVALID_SPIFFE_ID'], () => SpiffeId.parse(text, { normalize: true }));
      if (id === undefined) return;
      assert.equal(id.toString().toLowerCase(), text.toLowerCase());
      assert.ok(text.endsWith(id.path));
    }),
    propertyRuns(1000),
  );
});

test('L8 property: whatever is given as segments makes a valid ID of just those, or is refused', () => {
  const segment = fc.oneof(
    fc.stringMatching(/^[A-Za-z0-9._-]{1,9}$/),
    fc.constantFrom('', '.', '..', 'a/b', '/'),
    fc.string(),
  );
  const trustDomain = TrustDomain.parse('example.org');
  fc.assert(
    fc.property(fc.array(segment, { maxLength: 4 }), (segments) => {
      const id = attempt(['INVALID_SPIFFE_ID'], () => SpiffeId.from(trustDomain, ...segments));
      if (id === undefined) return;
      assert.deepEqual(SpiffeId.parse(id.toString()).segments, segments);
    }),
    propertyRuns(1000),
  );
});

test('T15 property: a text near a trust domain is its name, or is refused', () => {
  const near = nearText('aZ0._-/:@% é\0\n', 'example.org', '1.2.3.4', '-x', 'a_b', 'a'.repeat(255));
  fc.assert(
    fc.property(fc.oneof(near, fc.string()), (text) => {
      const trustDomain = attempt(['INVALID_TRUST_DOMAIN'], () => TrustDomain.parse(text));
      if (trustDomain === undefined) return;
      assert.equal(trustDomain.name, text);
      assert.equal(SpiffeId.parse(trustDomain.id).trustDomain.name, text);
    }),
    propertyRuns(1000),
  );
});

test('T15 L51 property: a text near an address is a socket or an IP and a port, or is refused', () => {
  const near = nearText(
    ':/?#@[]%.2eaA é\0\n',
    'unix:///run/spire/agent.sock',
    'unix:/a',
    'unix:///home/jane%20doe/a.sock',
    'tcp://127.0.0.1:8081',
    'tcp://[::1]:8081',
    'tcp://[fe80::1:2:3]:65535',
  );
  fc.assert(
    fc.property(fc.oneof(near, fc.string()), (text) => {
      const endpoint = attempt(['INVALID_ENDPOINT'], () => parseWorkloadEndpoint(text));
      if (endpoint === undefined) return;
      if (endpoint.kind === 'tcp') {
        assert.ok(isIP(endpoint.host) !== 0 && endpoint.port > 0 && endpoint.port <= 65_535);
        return;
      }
      assert.match(endpoint.path, /^\/(?!\/)[^\0]*[^/]$/s);
      assert.ok(Buffer.byteLength(endpoint.path) <= 107);
      assert.deepEqual(
        parseWorkloadEndpoint(`unix:${endpoint.path.split('/').map(encodeURIComponent).join('/')}`),
        endpoint,
      );
    }),
    propertyRuns(1500),
  );
});
