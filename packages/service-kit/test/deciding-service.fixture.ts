/** A service for the tests that has a policy and has made one decision, of which its endpoint hears only as it stops. */
import { decisionLogSettings, policySettings, runService, startPolicy } from '../src/index.ts';

await runService(
  {
    name: 'deciding',
    settings: { ...policySettings, ...decisionLogSettings },
    start: async (context) => {
      const policy = await startPolicy(context);
      policy.guard.onDecision?.({
        decision_id: 'only',
        path: 'countersign/authz/decision',
        error: { code: 'PEER_NOT_VERIFIED', message: 'no peer' },
        timestamp: '2026-11-29T00:00:00.000Z',
        metrics: { timer_rego_query_eval_ns: 0 },
      });
      return { addresses: {}, stop: () => policy.close() };
    },
  },
  process,
);
