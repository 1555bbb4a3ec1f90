/** What the rest of the page needs of the requests; the views that make changes take them by file. */
export { api } from './api.ts';
export { type ApiProblem, isAbort, toProblem } from './problem.ts';
export { reloadSession, useSession } from './session.ts';
