/** The live map with its two forms: a drawing, and a table of the same facts. */
import { Table2, Waypoints } from 'lucide-react';
import { lazy, useState } from 'react';
import { ToggleButton } from 'react-aria-components';
import { Empty, Loading, Panel, Part, Term } from '../design/index.ts';
import { useLive } from '../live/index.ts';
import { useTopology } from './use-topology.ts';
import './map.css';

// The page's frame is there before the drawing, which is its largest part.
const Flow = lazy(() => import('./flow.tsx'));
const MapTables = lazy(() => import('./map-tables.tsx'));

export function MapPanel() {
  const [asTable, setAsTable] = useState(false);
  return (
    <Panel
      title="Live map"
      tour="map"
      flush
      lead={
        <>
          Who calls whom, and what became of the last call. Each <Term id="workload">program</Term> proves who it is
          with a <Term id="svid">short-lived certificate</Term> that carries its <Term id="spiffe-id" />.
        </>
      }
      actions={
        <ToggleButton className="button button-secondary button-s" isSelected={asTable} onChange={setAsTable}>
          <Table2 aria-hidden />
          <span>As a table</span>
        </ToggleButton>
      }
    >
      <MapBody asTable={asTable} />
    </Panel>
  );
}

function MapBody({ asTable }: { readonly asTable: boolean }) {
  const told = useTopology();
  const state = useLive((live) => live.connection.state);
  if (told.length === 0 && state !== 'connecting') {
    return (
      <Empty icon={Waypoints} title="No service has reported yet.">
        The map draws itself from the <Term id="otlp" /> of the services. <code>npm start</code> starts them; they
        report within a few seconds.
      </Empty>
    );
  }
  if (told.length === 0) return <Coming />;
  return (
    <div data-stale={state === 'lost' || undefined}>
      <Part what="the map" fallback={<Coming />}>
        {asTable ? <MapTables /> : <Flow told={told} />}
      </Part>
    </div>
  );
}

/** About as high as the map, so that little moves when it comes. */
function Coming() {
  return (
    <div className="map-coming">
      <Loading what="the map" lines={4} />
    </div>
  );
}
