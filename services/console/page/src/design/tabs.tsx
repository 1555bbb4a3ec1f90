/** Tabs, as react-aria has them, with the page's looks. Give `TabPanel` and `Tab` the same `id`. */
import { type ReactNode, useEffect, useRef } from 'react';
import {
  Tab as AriaTab,
  TabList as AriaTabList,
  TabPanel as AriaTabPanel,
  Tabs as AriaTabs,
  type Key,
} from 'react-aria-components';
import './tabs.css';

export interface TabsProps<Id extends string> {
  readonly label: string;
  readonly tabs: readonly { readonly id: Id; readonly title: string; readonly tour?: string }[];
  readonly selected: Id;
  readonly onSelect: (id: Id) => void;
  readonly tour?: string;
  /** What the selected one shows. */
  readonly children: (id: Id) => ReactNode;
}

export function Tabs<Id extends string>({ label, tabs, selected, onSelect, tour, children }: TabsProps<Id>) {
  const select = (key: Key) => {
    const tab = tabs.find(({ id }) => id === key);
    if (tab) onSelect(tab.id);
  };
  const list = useRef<HTMLDivElement>(null);
  // Where there is not room for all, the chosen one is brought into sight, however it was chosen.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another tab chosen is the reason
  useEffect(() => {
    const tab = list.current?.querySelector<HTMLElement>('[aria-selected="true"]');
    if (tab) list.current?.scrollTo({ left: tab.offsetLeft - (list.current.clientWidth - tab.offsetWidth) / 2 });
  }, [selected]);
  return (
    <AriaTabs className="tabs" selectedKey={selected} onSelectionChange={select}>
      <AriaTabList ref={list} aria-label={label} className="tab-list" data-tour={tour}>
        {tabs.map((tab) => (
          <AriaTab key={tab.id} id={tab.id} className="tab" data-tour={tab.tour}>
            {tab.title}
          </AriaTab>
        ))}
      </AriaTabList>
      {tabs.map(({ id }) => (
        <AriaTabPanel key={id} id={id} className="tab-panel">
          {children(id)}
        </AriaTabPanel>
      ))}
    </AriaTabs>
  );
}
