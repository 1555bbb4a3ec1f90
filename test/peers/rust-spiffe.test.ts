/**
 * rust-spiffe: spiffe-rustls under hyper and under tonic.
 */
import { testForgedId } from './forged-id.ts';
import { peerProgram } from './interop.ts';
import { testLanguagePeer } from './language-peer.ts';

const peer = { name: 'rust-spiffe', version: '0.19.0 (spiffe-rustls 0.11.0)' };
const command = peerProgram('rust-spiffe-interop');

testLanguagePeer({
  program: peer,
  command,
  commands: ['https-server', 'https-client', 'grpc-server', 'grpc-client', 'watch', 'jwt-fetch', 'jwt-validate'],
});

// T4 L17
testForgedId({ program: peer, command, poolsBundles: false });
