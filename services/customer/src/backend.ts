/** backend as customer sees it, the same over both transports. */
import type { OrderInput, OrderJson } from '@countersign/contracts';
import type { DeadlineMs, Hop, Problem } from '@countersign/service-kit';

/** How a call travels. */
export type Via = 'http' | 'grpc';

/** A result and the hops it took. */
export interface Reply<T> {
  readonly value: T;
  readonly hops: readonly Hop[];
}

/** A page of orders, newest first. */
export interface OrderPage {
  readonly orders: readonly OrderJson[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** Which page. */
export interface PageRequest {
  /** 0: as many as backend likes. */
  readonly pageSize: number;
  readonly pageToken: string;
}

/** What is asked of backend. Every method rejects with a {@link BackendError}. */
export interface Backend {
  hello(deadline: DeadlineMs): Promise<Reply<string>>;
  create(
    order: OrderInput,
    idempotencyKey: string,
    deadline: DeadlineMs,
  ): Promise<Reply<{ order: OrderJson; replayed: boolean }>>;
  get(id: string, deadline: DeadlineMs): Promise<Reply<OrderJson>>;
  list(page: PageRequest, deadline: DeadlineMs): Promise<Reply<OrderPage>>;
}

/** Why backend gave no result, as it is told to whoever asked. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
  readonly problem: Problem;

  constructor(problem: Problem, cause?: unknown) {
    super(problem.detail, { cause });
    this.problem = problem;
  }
}
