/** The page's layout: header, what is wrong if something is, the live map, what can be done, and what has been. */
import { lazy } from 'react';
import { I18nProvider } from 'react-aria-components';
import { Loading, Panel, Part } from './design/index.ts';
import { MapPanel } from './map/map-panel.tsx';
import { Header } from './shell/header.tsx';
import { Messages } from './shell/messages.tsx';
import { Notices } from './shell/notices.tsx';
import { Refusals } from './shell/refusals.tsx';
import { useShell } from './shell/shell-store.ts';
import { whenIdle } from './shell/when-idle.ts';
import { Workbench } from './shell/workbench.tsx';
import './app.css';

const ChartPanel = lazy(() => whenIdle().then(() => import('./chart/chart-panel.tsx')));
const Tour = lazy(() => whenIdle().then(() => import('./tour/tour.tsx')));

export function App() {
  const tourOpen = useShell((shell) => shell.tourOpen);
  const closeTour = useShell((shell) => shell.closeTour);
  return (
    <I18nProvider locale="en-US">
      <a href="#workbench" className="skip">
        Skip to what you can do
      </a>
      <Header />
      <main>
        <Notices />
        <div className="page">
          <MapPanel />
          <Workbench />
          <div className="page-past">
            <Part what="the chart" fallback={<ChartComing />}>
              <ChartPanel />
            </Part>
            <Refusals />
          </div>
        </div>
      </main>
      {tourOpen && (
        <Part what="the tour">
          <Tour onClose={closeTour} />
        </Part>
      )}
      <Messages />
    </I18nProvider>
  );
}

/** As high as the chart, so that nothing moves when it comes. */
function ChartComing() {
  return (
    <Panel title="The last five minutes" tour="chart">
      <div className="page-chart-coming">
        <Loading what="the chart" />
      </div>
    </Panel>
  );
}
