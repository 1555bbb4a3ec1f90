/** A workload on the map: who it is, how it is, and how long its certificate is good for. */
import { Handle, type Node, type NodeProps, Position } from '@xyflow/react';
import { Database, Globe, type LucideIcon, Server, UserRoundX } from 'lucide-react';
import { memo, useState } from 'react';
import { Button, TooltipTrigger } from 'react-aria-components';
import type { SvidInUse, Workload } from '../../../src/wire/model.ts';
import { briefly, CopyButton, StateTag, shortId, shortSerial, Tip } from '../design/index.ts';
import { useLive, useNow } from '../live/index.ts';
import { useShell } from '../shell/shell-store.ts';
import type { NodeKind } from './topology.ts';
import { workloadName } from './words.ts';

type MapNode = Node<{ readonly kind: NodeKind }, 'workload'>;

/** Renders when this workload changes, and each second for its countdown. */
export const WorkloadNode = memo(function WorkloadNode({ id, data }: NodeProps<MapNode>) {
  const workload = useLive((live) => live.workloads.get(id));
  if (!workload) return null;
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      <Card workload={workload} kind={data.kind} />
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
});

function Card({ workload, kind }: { readonly workload: Workload; readonly kind: NodeKind }) {
  const { id, name, state, svid, trustDomain } = workload;
  return (
    <div className={`node node-${kind} node-${state}`} data-serial={svid?.serial}>
      <Flash serial={svid?.serial} />
      <Open workload={workload} />
      <div className="node-head">
        <NodeIcon workload={workload} kind={kind} />
        <span className="node-name">{name}</span>
        {kind === 'service' && (svid || state !== 'no-identity') && <StateTag state={state} />}
      </div>
      {trustDomain !== '' && (
        <div className="node-id">
          <code>{shortId(id)}</code>
          {kind === 'service' && <CopyButton text={id} what={`the SPIFFE ID of ${name}`} />}
        </div>
      )}
      {trustDomain !== '' && <div className="node-domain">{trustDomain}</div>}
      {kind === 'outside' && <div className="node-domain">no identity</div>}
      {svid && <Life svid={svid} />}
      {!svid && state === 'no-identity' && (
        <div className="node-without">
          <StateTag state={state} />
        </div>
      )}
    </div>
  );
}

function NodeIcon({ workload, kind }: { readonly workload: Workload; readonly kind: NodeKind }) {
  const isDatabase = useLive((live) =>
    [...live.edges.values()].some(({ to, transports }) => to === workload.id && transports.includes('postgres')),
  );
  const refusedOnly = useLive((live) => {
    const calls = [...live.edges.values()].filter(({ from }) => from === workload.id);
    return calls.length > 0 && calls.every(({ calls: made, refused }) => made === refused);
  });
  const Icon = iconFor(kind, isDatabase, refusedOnly);
  return <Icon aria-hidden className="node-icon" />;
}

function iconFor(kind: NodeKind, isDatabase: boolean, refusedOnly: boolean): LucideIcon {
  if (isDatabase) return Database;
  if (kind === 'outside') return Globe;
  return kind === 'peer' && refusedOnly ? UserRoundX : Server;
}

/** The whole card is a button; what else can be pressed on it lies above. */
function Open({ workload }: { readonly workload: Workload }) {
  const inspect = useShell((shell) => shell.inspect);
  const now = useNow();
  return (
    <TooltipTrigger delay={500}>
      <Button
        className="node-open"
        aria-label={workloadName(workload, now)}
        onPress={() => inspect({ kind: 'workload', id: workload.id })}
      />
      <Tip>
        {workload.trustDomain === '' ? 'Calls without an identity, through the edge’s plain port' : workload.id}
      </Tip>
    </TooltipTrigger>
  );
}

/** A bar that empties towards expiry, with a mark where the next certificate is due. */
function Life({ svid }: { readonly svid: SvidInUse }) {
  const now = useNow();
  const life = Math.max(1, svid.notAfter - svid.notBefore);
  const left = Math.min(1, Math.max(0, (svid.notAfter - now) / life));
  const mark = Math.min(1, Math.max(0, (svid.notAfter - svid.rotatesAt) / life));
  return (
    <div className="life">
      <div className="life-row">
        <span>
          serial <code>{shortSerial(svid.serial)}</code>
        </span>
      </div>
      <div className="life-bar" data-over={left === 0 || undefined}>
        <div className="life-left" style={{ transform: `scaleX(${left})` }} />
        <div className="life-mark" style={{ left: `${mark * 100}%` }} />
      </div>
      <div className="life-row">
        <span>
          renews <b>{briefly(svid.rotatesAt - now)}</b>
        </span>
        <span>
          expires <b>{briefly(svid.notAfter - now)}</b>
        </span>
      </div>
    </div>
  );
}

/** Plays once whenever the serial is another one than when the node came. */
function Flash({ serial }: { readonly serial: string | undefined }) {
  const [first] = useState(serial);
  return serial === undefined || serial === first ? null : <span key={serial} aria-hidden className="node-flash" />;
}
