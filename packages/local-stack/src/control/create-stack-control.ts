/**
 * The stack's control in the process that runs the system: identities, federation, policy and attacks, one change at a time.
 */
import { DevTrustDomainError } from '@countersign/dev-trust-domain';
import type { Identities } from '@countersign/identities';
import { SpiffeTlsError } from '@countersign/spiffe-tls';
import { LocalStackError } from '../errors.ts';
import type { IdentityControl } from '../identity-control.ts';
import { fetchWorkloadIdentity } from '../inspect/workload-identity.ts';
import type { RunningSystem } from '../system.ts';
import type { TrustOperator } from '../trust-operator.ts';
import type { AttackControl } from './attacks.ts';
import { certificateViewOf } from './certificate-view.ts';
import { type ChangeQueue, createChangeQueue } from './change-queue.ts';
import { createFederationOperations } from './federation-operations.ts';
import { assertRegistered, createIdentityOperations } from './identity-operations.ts';
import type { PolicyControl } from './policy/policy-control.ts';
import type { AbilityState, IdentityResult, StackControl, StackDescription } from './stack-control.ts';

/** What the control is made from. */
export interface StackControlParts {
  readonly provider: StackDescription['provider'];
  readonly identities: Identities;
  readonly control: IdentityControl;
  readonly trust: TrustOperator;
  readonly system: Pick<RunningSystem, 'waitForLog' | 'pidOf' | 'addresses' | 'customerUrl'>;
  /** Of those parts that are not asked themselves. */
  readonly abilities: Readonly<Record<'identity' | 'federation', AbilityState>>;
  readonly policy: PolicyControl;
  readonly attacks: AttackControl;
  /** Opens a Workload API address at which this process is that workload. */
  openSocketAs(workload: string): Promise<{ readonly endpoint: string } & AsyncDisposable>;
}

/** The control, which has things of its own that run. */
export interface ClosableStackControl extends StackControl, AsyncDisposable {}

/** People click; more than these have been forgotten by whoever asked. */
const maxWaiting = 16;

/** SPIRE's agent asks every five seconds: a workload that was just given an identity may have to wait for it. */
const identityTimeoutMs = 20_000;

/** Makes it. Nothing is started before somebody asks for it. */
export function createStackControl(parts: StackControlParts): ClosableStackControl {
  const { provider, identities, system, policy, attacks, control } = parts;
  const identity = createIdentityOperations(parts);
  const federation = createFederationOperations({ ...parts, identity });
  const queue = createChangeQueue(maxWaiting);
  const inTurn: ChangeQueue = (change) => queue(() => translated(change));
  const result = async (done: string): Promise<IdentityResult> => {
    const [workloads, state] = await Promise.all([identity.workloads(), federation.state()]);
    return { done, workloads, federation: state };
  };
  const change = (operation: () => Promise<string>, ability: AbilityState = parts.abilities.identity) =>
    inTurn(async () => {
      assertThere(ability);
      return result(await operation());
    });
  return {
    describe: () =>
      translated(async () => {
        const [workloads, state, policyAbility] = await Promise.all([
          identity.workloads(),
          federation.state(),
          policy.ability(),
        ]);
        return {
          provider,
          trustDomain: identities.trustDomain,
          customerUrl: system.customerUrl,
          workloads,
          federation: state,
          abilities: {
            ...parts.abilities,
            attacks: attacks.ability,
            policy: policyAbility,
          },
        };
      }),
    rotate: (workload) => change(() => identity.rotate(workload)),
    rotateCa: () => change(identity.rotateCa),
    withdraw: (workload) => change(() => identity.withdraw(workload)),
    give: (workload) => change(() => identity.give(workload)),
    federate: () => change(federation.federate, parts.abilities.federation),
    unfederate: () => change(federation.unfederate, parts.abilities.federation),
    partnerCall: () =>
      inTurn(() => {
        assertThere(parts.abilities.federation);
        return federation.partnerCall();
      }),
    certificate: (workload) =>
      translated(async () => {
        await assertRegistered(identities, control, workload);
        await using socket = await parts.openSocketAs(workload);
        return certificateViewOf(workload, await fetchWorkloadIdentity(socket.endpoint, identityTimeoutMs));
      }),
    policy: () => translated(policy.policy),
    checkPolicy: (text, recent) => translated(() => policy.checkPolicy(text, recent)),
    applyPolicy: (text, revision) => inTurn(() => policy.applyPolicy(text, revision)),
    undoPolicy: (revision) => inTurn(() => policy.undoPolicy(revision)),
    attacks: () => translated(() => attacks.attacks()),
    attack: (id) => inTurn(() => attacks.attack(id)),
    async [Symbol.asyncDispose]() {
      await Promise.all([federation.close(), attacks[Symbol.asyncDispose]()]);
    },
  };
}

/** What is not there is refused with the reason that {@link StackControl.describe} gives. */
function assertThere(ability: AbilityState): void {
  if (!ability.there) throw new LocalStackError('CONTROL_FAILED', ability.why);
}

/** What a trust domain or a Workload API refuses is fit for people as it is; everything else is a bug. */
async function translated<Result>(operation: () => Promise<Result>): Promise<Result> {
  try {
    return await operation();
  } catch (cause) {
    if (cause instanceof DevTrustDomainError || cause instanceof SpiffeTlsError)
      throw new LocalStackError('CONTROL_FAILED', cause.message, { cause });
    throw cause;
  }
}
