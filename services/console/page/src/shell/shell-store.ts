/** What the page itself is showing: the tab, what is inspected, the tour, the theme. */
import { create } from 'zustand';
import { firstTheme, putOn, type Theme } from './theme.ts';

export type TabId = 'orders' | 'identities' | 'attacks' | 'policy' | 'inspect';

/** What the Inspect tab looks at. */
export type Selection =
  | { readonly kind: 'workload'; readonly id: string }
  | { readonly kind: 'edge'; readonly key: string }
  | { readonly kind: 'trace'; readonly traceId: string }
  | { readonly kind: 'decision'; readonly id: string }
  | { readonly kind: 'refusal'; readonly seq: number };

export interface Shell {
  readonly tab: TabId;
  readonly selection: Selection | undefined;
  readonly tourOpen: boolean;
  readonly theme: Theme;
  readonly openTab: (tab: TabId) => void;
  /** Opens the Inspect tab with it; without one, its list of what there is. */
  readonly inspect: (selection: Selection | undefined) => void;
  readonly openTour: () => void;
  readonly closeTour: () => void;
  readonly setTheme: (theme: Theme) => void;
}

const TOUR_KEY = 'countersign.tour';
const TOUR_SEEN = 'seen';

export const useShell = create<Shell>((set) => ({
  tab: 'orders',
  selection: undefined,
  tourOpen: localStorage.getItem(TOUR_KEY) !== TOUR_SEEN,
  theme: firstTheme(),
  openTab: (tab) => set({ tab }),
  inspect: (selection) => set({ tab: 'inspect', selection }),
  openTour: () => set({ tourOpen: true }),
  closeTour: () => {
    localStorage.setItem(TOUR_KEY, TOUR_SEEN);
    set({ tourOpen: false });
  },
  setTheme: (theme) => {
    putOn(theme);
    set({ theme });
  },
}));
