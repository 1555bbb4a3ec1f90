/** The page's requests. */
export { api, type IdentityOperation, sessionStore } from './api.ts';
export { ApiProblem, isAbort, toProblem } from './problem.ts';
export { reloadSession, useMissing, useSession } from './session.ts';
export { type Action, type ActionState, useAction } from './use-action.ts';
