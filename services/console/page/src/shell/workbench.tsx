/** What one can do and look into: tabs, each fetched when it is first opened. */
import { type ComponentType, type LazyExoticComponent, lazy, type RefObject, useEffect, useRef } from 'react';
import { Loading, Part } from '../design/index.ts';
import { Tabs } from '../design/tabs.tsx';
import { type TabId, useShell } from './shell-store.ts';

const tabs: readonly { readonly id: TabId; readonly title: string; readonly tour: string }[] = [
  { id: 'orders', title: 'Orders', tour: 'tab-orders' },
  { id: 'identities', title: 'Identities', tour: 'tab-identities' },
  { id: 'attacks', title: 'Attack lab', tour: 'tab-attacks' },
  { id: 'policy', title: 'Policy', tour: 'tab-policy' },
  { id: 'inspect', title: 'Inspect', tour: 'tab-inspect' },
];

const views: Readonly<Record<TabId, LazyExoticComponent<ComponentType>>> = {
  orders: lazy(() => import('../orders/orders-tab.tsx')),
  identities: lazy(() => import('../identities/identities-tab.tsx')),
  attacks: lazy(() => import('../attacks/attacks-tab.tsx')),
  policy: lazy(() => import('../policy/policy-tab.tsx')),
  inspect: lazy(() => import('../inspect/inspect-tab.tsx')),
};

export function Workbench() {
  const place = useRef<HTMLElement>(null);
  useShown(place);
  const tab = useShell((shell) => shell.tab);
  const openTab = useShell((shell) => shell.openTab);
  return (
    <section ref={place} id="workbench" className="panel workbench" aria-label="What you can do" tabIndex={-1}>
      <Tabs label="What you can do" tabs={tabs} selected={tab} onSelect={openTab} tour="tabs">
        {(id) => {
          const View = views[id];
          return (
            <Part what="this tab" fallback={<Loading what="this tab" lines={5} />}>
              <View />
            </Part>
          );
        }}
      </Tabs>
    </section>
  );
}

/** On a phone it lies below the map: what is chosen there to be inspected is brought into sight, from its top. */
function useShown(place: RefObject<HTMLElement | null>): void {
  const selection = useShell((shell) => shell.selection);
  useEffect(() => {
    if (!selection || !place.current) return;
    for (const panel of place.current.querySelectorAll('[role="tabpanel"]')) panel.scrollTop = 0;
    const isBelow = place.current.getBoundingClientRect().top > window.innerHeight - WORTH_SEEING;
    if (isBelow) place.current.scrollIntoView({ block: 'start' });
  }, [selection, place]);
}

/** px of it that must be in sight to leave the page where it is. */
const WORTH_SEEING = 200;
