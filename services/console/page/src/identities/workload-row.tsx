/** One workload: how it is, how long its certificate is good for, and what can be done to it. */
import { BadgeX, Moon } from 'lucide-react';
import { useId, useState } from 'react';
import { Group } from 'react-aria-components';
import type { SvidInUse } from '../../../src/wire/model.ts';
import { Button, countdown, StateTag, shortSerial, Tag, Term } from '../design/index.ts';
import { useNow } from '../live/clock.ts';
import { useShell } from '../shell/shell-store.ts';
import { keyOf, operate, useIdentities } from './identity-store.ts';
import { Withdraw } from './withdraw.tsx';
import type { ListedWorkload } from './workload-list.ts';

export interface WorkloadRowProps {
  readonly workload: ListedWorkload;
  /** Why nothing can be changed. */
  readonly why: string | undefined;
}

export function WorkloadRow({ workload, why }: WorkloadRowProps) {
  const id = useId();
  const inspect = useShell((shell) => shell.inspect);
  const { live } = workload;
  return (
    <li>
      <Group aria-labelledby={id} className="identity">
        <div className="identity-head">
          <h4 id={id}>{workload.name}</h4>
          <State workload={workload} />
        </div>
        <div className="identity-actions">
          <Button size="s" variant="quiet" onPress={() => inspect({ kind: 'workload', id: workload.id })}>
            Certificate
          </Button>
          <Changes workload={workload} why={why} />
        </div>
        {live?.svid !== undefined && workload.registered !== false && (
          <Life svid={live.svid} rotations={live.rotations} />
        )}
      </Group>
    </li>
  );
}

function State({ workload: { live, runs, registered } }: { readonly workload: ListedWorkload }) {
  if (registered === false) {
    return (
      <Tag tone="bad" icon={BadgeX}>
        withdrawn
      </Tag>
    );
  }
  if (live !== undefined) return <StateTag state={live.state} />;
  return <Tag icon={Moon}>{runs ? 'not heard of yet' : 'runs on demand'}</Tag>;
}

function Changes({ workload: { id, name, runs, registered }, why }: WorkloadRowProps) {
  const rotating = useIdentities(({ running }) => running.has(keyOf('rotate', name)));
  const withdrawing = useIdentities(({ running }) => running.has(keyOf('withdraw', name)));
  const giving = useIdentities(({ running }) => running.has(keyOf('give', name)));
  const [asking, setAsking] = useState(false);
  if (registered === undefined) return null;
  if (!registered) {
    return (
      <Button size="s" isPending={giving} isDisabled={why !== undefined} onPress={() => void operate('give', name)}>
        Register again
      </Button>
    );
  }
  return (
    <>
      {runs && (
        <Button
          size="s"
          isPending={rotating}
          isDisabled={why !== undefined}
          onPress={() => void operate('rotate', name)}
        >
          Rotate
        </Button>
      )}
      <Button
        size="s"
        variant="danger"
        isPending={withdrawing}
        isDisabled={why !== undefined}
        onPress={() => setAsking(true)}
      >
        Withdraw
      </Button>
      <Withdraw
        workload={{ id, name, runs }}
        isOpen={asking}
        onClose={() => setAsking(false)}
        onConfirm={() => void operate('withdraw', name)}
      />
    </>
  );
}

function Life({
  svid: { serial, notBefore, notAfter, rotatesAt },
  rotations,
}: {
  readonly svid: SvidInUse;
  readonly rotations: number;
}) {
  const now = useNow();
  const left = Math.min(1, Math.max(0, (notAfter - now) / (notAfter - notBefore)));
  const over = now >= notAfter;
  return (
    <div className="identity-life">
      <span className="identity-bar" aria-hidden>
        <span className={over ? 'identity-left identity-over' : 'identity-left'} style={{ width: `${left * 100}%` }} />
      </span>
      <p>
        {over ? 'expired' : `expires in ${countdown(notAfter - now)}`}
        {now < rotatesAt && `, new one in ${countdown(rotatesAt - now)}`}
      </p>
      <p className="muted">
        <Term id="serial">serial</Term> <code title={serial}>{shortSerial(serial)}</code>
        {rotations > 0 && `, rotated ${rotations === 1 ? 'once' : `${rotations} times`}`}
      </p>
    </div>
  );
}
