/** Who exists, who may call whom, and every name that derives from it. */
export { IdentitiesError, type IdentitiesErrorCode } from './errors.ts';
export {
  type CallEdge,
  type GrantDocument,
  type GrantsDocument,
  type Identities,
  loadIdentities,
  type Registration,
  type Workload,
} from './identities.ts';
