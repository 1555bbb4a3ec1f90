/** The map's facts as two tables: for screen readers, for printing, and for who would rather read. */
import { useMemo } from 'react';
import type { Edge, Refusal, Workload } from '../../../src/wire/model.ts';
import {
  Button,
  type Column,
  countdown,
  lastSegment,
  milliseconds,
  OutcomeTag,
  SpiffeId,
  StateTag,
  Table,
  Term,
} from '../design/index.ts';
import { useLive, useNow } from '../live/index.ts';
import { useShell } from '../shell/shell-store.ts';
import { useTopology } from './use-topology.ts';
import { rate, transportsOf } from './words.ts';

export default function MapTables() {
  return (
    <div className="map-tables">
      <WorkloadTable />
      <CallTable />
    </div>
  );
}

function WorkloadTable() {
  const told = useTopology();
  const workloads = useLive((live) => live.workloads);
  const now = useNow();
  const rows = told.flatMap((item) => ('node' in item ? (workloads.get(item.node.id) ?? []) : []));
  const columns = useMemo(() => workloadColumns(now), [now]);
  return <Table caption="Workloads" columns={columns} rows={rows} rowKey={({ id }) => id} />;
}

function workloadColumns(now: number): readonly Column<Workload>[] {
  return [
    { id: 'name', head: 'Name', isRowHeader: true, cell: (workload) => <Inspect workload={workload} /> },
    { id: 'state', head: 'State', cell: ({ state }) => <StateTag state={state} /> },
    {
      id: 'id',
      head: <Term id="spiffe-id" />,
      cell: ({ id, trustDomain }) => (trustDomain ? <SpiffeId id={id} /> : 'none'),
    },
    {
      id: 'domain',
      head: <Term id="trust-domain">Trust domain</Term>,
      cell: ({ trustDomain }) => trustDomain || 'none',
    },
    {
      id: 'serial',
      head: <Term id="serial">Serial number</Term>,
      cell: ({ svid }) => svid && <code>{svid.serial}</code>,
    },
    { id: 'rotates', head: 'New one in', align: 'end', cell: ({ svid }) => svid && countdown(svid.rotatesAt - now) },
    { id: 'expires', head: 'Expires in', align: 'end', cell: ({ svid }) => svid && countdown(svid.notAfter - now) },
    { id: 'rotations', head: <Term id="rotation">Rotations</Term>, align: 'end', cell: ({ rotations }) => rotations },
  ];
}

function Inspect({ workload }: { readonly workload: Workload }) {
  const inspect = useShell((shell) => shell.inspect);
  return (
    <Button variant="link" onPress={() => inspect({ kind: 'workload', id: workload.id })}>
      {workload.name}
    </Button>
  );
}

interface CallRow {
  readonly edge: Edge;
  readonly refusal: Refusal | undefined;
}

const callColumns: readonly Column<CallRow>[] = [
  { id: 'who', head: 'Call', isRowHeader: true, cell: ({ edge }) => <InspectCall edge={edge} /> },
  { id: 'outcome', head: 'Last call', cell: ({ edge }) => <OutcomeTag outcome={edge.last.outcome} /> },
  { id: 'transport', head: 'Over', cell: ({ edge }) => transportsOf(edge) },
  { id: 'rate', head: 'A second', align: 'end', cell: ({ edge }) => rate(edge.perSecond) },
  {
    id: 'p50',
    head: <Term id="percentile">p50</Term>,
    align: 'end',
    cell: ({ edge }) => edge.p50Ms !== undefined && milliseconds(edge.p50Ms),
  },
  { id: 'p95', head: 'p95', align: 'end', cell: ({ edge }) => edge.p95Ms !== undefined && milliseconds(edge.p95Ms) },
  { id: 'calls', head: 'Calls', align: 'end', cell: ({ edge }) => edge.calls },
  { id: 'refused', head: 'Refused', align: 'end', cell: ({ edge }) => edge.refused },
  { id: 'by', head: 'Refused by', cell: ({ refusal }) => refusal && lastSegment(refusal.self) },
  { id: 'expected', head: 'Expected', cell: ({ refusal }) => refusal?.expected },
  { id: 'got', head: 'Got', cell: ({ refusal }) => refusal?.got },
];

function CallTable() {
  const told = useTopology();
  const edges = useLive((live) => live.edges);
  const refusals = useLive((live) => live.refusals);
  const rows = told.flatMap((item) => {
    const edge = 'call' in item ? edges.get(item.call.key) : undefined;
    return edge ? [{ edge, refusal: refusals.find(({ seq }) => seq === edge.last.refusalSeq) }] : [];
  });
  return (
    <Table caption="Calls" columns={callColumns} rows={rows} rowKey={({ edge }) => edge.key} empty="No calls yet." />
  );
}

function InspectCall({ edge }: { readonly edge: Edge }) {
  const inspect = useShell((shell) => shell.inspect);
  return (
    <Button variant="link" onPress={() => inspect({ kind: 'edge', key: edge.key })}>
      {`${lastSegment(edge.from)} to ${lastSegment(edge.to)}`}
    </Button>
  );
}
