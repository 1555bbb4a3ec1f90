/**
 * The drawing. React Flow gets new nodes and edges only when the topology changes; each node, label and line takes its own
 * figures from the store. It is drawn at the scale at which all of it can be seen, and moves with the page: nothing to pan,
 * nothing that a finger could get caught in.
 */
import { type Edge, type EdgeTypes, type Node, type NodeTypes, ReactFlow } from '@xyflow/react';
import { useCallback, useMemo } from 'react';
import '@xyflow/react/dist/base.css';
import { CallLabel } from './call-label.tsx';
import { CallLine } from './call-line.tsx';
import { type Box, type Direction, type Layout, layOut } from './layout.ts';
import { drawLines, type Line } from './path.ts';
import { stopsOf } from './stop-mark.tsx';
import type { MapCall, Told } from './topology.ts';
import { useWidth } from './use-width.ts';
import { WorkloadNode } from './workload-node.tsx';

const nodeTypes: NodeTypes = { workload: WorkloadNode, call: CallLabel };
const edgeTypes: EdgeTypes = { call: CallLine };

const MARGIN = 16;
/** Below this width of the panel, in px, the map goes from top to bottom. */
const NARROW = 640;
const LARGEST = 1.5;
const HEIGHT_SHARE = 0.55;
/** Smaller would not be read: from there on the panel scrolls sideways. */
const SMALLEST = 0.72;

export default function Flow({ told }: { readonly told: readonly Told[] }) {
  const [box, width] = useWidth();
  return (
    <div ref={box} className="map-room">
      {width > 0 && <Drawing told={told} width={width} />}
    </div>
  );
}

function Drawing({ told, width }: { readonly told: readonly Told[]; readonly width: number }) {
  const direction: Direction = width < NARROW ? 'down' : 'across';
  const layout = useMemo(() => layOut(told, direction), [told, direction]);
  const calls = useMemo(() => told.flatMap((item) => ('call' in item ? [item.call] : [])), [told]);
  const lines = useMemo(() => drawLines(calls, layout, direction), [calls, layout, direction]);
  const nodes = useMemo(() => toNodes(told, layout, lines, direction), [told, layout, lines, direction]);
  const edges = useMemo(() => toEdges(calls, lines, direction), [calls, lines, direction]);
  const zoom = scale(layout, width);
  const drawn = { width: layout.width * zoom + 2 * MARGIN, height: layout.height * zoom + 2 * MARGIN };
  const left = Math.max(MARGIN, (width - layout.width * zoom) / 2);
  const name = useCallback((wrapper: HTMLDivElement | null) => {
    // React Flow makes itself an `application`, in which screen readers stop reading; there is nothing to operate but buttons.
    wrapper?.setAttribute('role', 'group');
    // What the lines say is said by their labels.
    wrapper?.querySelector('.react-flow__edges')?.setAttribute('aria-hidden', 'true');
  }, []);
  return (
    <div style={{ width: Math.max(width, drawn.width), height: drawn.height }}>
      <ReactFlow
        ref={name}
        aria-label="Map"
        className="map"
        viewport={{ x: left, y: MARGIN, zoom }}
        nodes={nodes}
        edges={edges}
        nodeTypes={nodeTypes}
        edgeTypes={edgeTypes}
        minZoom={SMALLEST}
        maxZoom={LARGEST}
        nodesDraggable={false}
        nodesConnectable={false}
        nodesFocusable={false}
        edgesFocusable={false}
        elementsSelectable={false}
        disableKeyboardA11y
        panOnDrag={false}
        zoomOnScroll={false}
        zoomOnPinch={false}
        zoomOnDoubleClick={false}
        preventScrolling={false}
      />
    </div>
  );
}

/** As wide as the panel; but no larger than life if it were then higher than a good part of the window. */
function scale(layout: Layout, width: number): number {
  const byWidth = (width - 2 * MARGIN) / layout.width;
  const byHeight = Math.max(1, (window.innerHeight * HEIGHT_SHARE) / layout.height);
  return Math.min(LARGEST, Math.max(SMALLEST, Math.min(byWidth, byHeight)));
}

/** Said by the node's own button. */
const silentNode = { 'aria-roledescription': undefined };
/** Said by the label's own button. */
const silentEdge = {
  'aria-hidden': true,
  'aria-label': undefined,
  'aria-roledescription': undefined,
  role: 'presentation',
};

/** In the order of `told`, which becomes that of the document, and so of the keyboard. */
function toNodes(
  told: readonly Told[],
  layout: Layout,
  lines: ReadonlyMap<string, Line>,
  direction: Direction,
): Node[] {
  return told.flatMap((item) => {
    if ('node' in item) {
      const box = layout.nodes.get(item.node.id);
      return box ? [toNode(item.node.id, 'workload', box, { kind: item.node.kind })] : [];
    }
    const box = layout.labels.get(item.call.key);
    const line = lines.get(item.call.key);
    return box && line ? [toNode(item.call.key, 'call', box, { stops: stopsOf(line, box, direction) })] : [];
  });
}

/** Labels above workloads, because their stop marks lie across a workload's border. */
function toNode(id: string, type: 'workload' | 'call', box: Box, data: Record<string, unknown>): Node {
  const { x, y, width, height } = box;
  const zIndex = type === 'call' ? 1 : 0;
  return { id, type, position: { x, y }, width, height, zIndex, data, domAttributes: silentNode };
}

function toEdges(calls: readonly MapCall[], lines: ReadonlyMap<string, Line>, direction: Direction): Edge[] {
  return calls.map(({ key, from, to }) => ({
    id: key,
    type: 'call',
    source: from,
    target: to,
    data: { line: lines.get(key), direction },
    domAttributes: silentEdge,
  }));
}
