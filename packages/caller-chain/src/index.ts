/**
 * The public interface of the package. A list by hand: what is not named here may change without notice.
 */

export {
  CHAIN_CERTS_HEADER,
  CHAIN_HEADER,
  type ChainBounds,
  chainIn,
  type EncodedChain,
} from './encoded-chain.ts';
export { CallerChainError, type CallerChainErrorCode, type CallerChainErrorDetails } from './errors.ts';
export {
  bodyDigestOf,
  type ChainSigner,
  type ChainSignerOptions,
  createChainSigner,
  createTransactionId,
  type OutgoingCall,
} from './sign-chain.ts';
export type { VerifiedChain, VerifiedLink } from './verified-chain.ts';
export {
  type ChainExpectation,
  type ChainVerifier,
  type ChainVerifierOptions,
  createChainVerifier,
} from './verify-chain.ts';
