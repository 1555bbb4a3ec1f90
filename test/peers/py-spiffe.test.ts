/**
 * py-spiffe with spiffe-tls. It pools the bundles of all trust domains that it is given (T4).
 */
import { testForgedId } from './forged-id.ts';
import { peerProgram } from './interop.ts';
import { testLanguagePeer } from './language-peer.ts';

const peer = { name: 'py-spiffe', version: '0.3.2 (spiffe-tls 0.4.0)' };
const command = peerProgram('py-spiffe-interop');

testLanguagePeer({
  program: peer,
  command,
  commands: ['https-server', 'https-client', 'watch', 'jwt-fetch', 'jwt-validate'],
});

// T4 L17
testForgedId({ program: peer, command, poolsBundles: true });
