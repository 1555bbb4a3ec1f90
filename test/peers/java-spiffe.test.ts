/**
 * java-spiffe: its SSLContext under HTTPS of the JDK, its key and trust managers under grpc-java. It reaches the Workload
 * API over TCP, for the reason that stands in Relay.java.
 */
import { testForgedId } from './forged-id.ts';
import { peerProgram } from './interop.ts';
import { testLanguagePeer } from './language-peer.ts';

const peer = { name: 'java-spiffe', version: '0.8.17' };
const command = peerProgram('java-spiffe-interop');

testLanguagePeer({
  program: peer,
  command,
  commands: ['https-server', 'https-client', 'grpc-server', 'grpc-client', 'watch', 'jwt-fetch', 'jwt-validate'],
});

// T4 L17
testForgedId({ program: peer, command, poolsBundles: false });
