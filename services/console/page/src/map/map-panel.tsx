/** The live map with its two forms: a drawing, and a table of the same facts. */
import { Table2, Waypoints } from 'lucide-react';
import { useState } from 'react';
import { ToggleButton } from 'react-aria-components';
import { Empty, Loading, Panel, Term } from '../design/index.ts';
import { useLive } from '../live/index.ts';
import { Flow } from './flow.tsx';
import { MapTables } from './map-tables.tsx';
import { useTopology } from './use-topology.ts';
import './map.css';

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
  if (told.length === 0) {
    return state === 'connecting' ? (
      <div className="map-nothing">
        <Loading what="the map" lines={4} />
      </div>
    ) : (
      <Empty icon={Waypoints} title="No service has reported yet.">
        The map draws itself from the <Term id="otlp" /> of the services. <code>npm start</code> starts them; they
        report within a few seconds.
      </Empty>
    );
  }
  return <div data-stale={state === 'lost' || undefined}>{asTable ? <MapTables /> : <Flow told={told} />}</div>;
}
