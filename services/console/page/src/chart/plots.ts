/** What the two plots look like. Colours come from the page's tokens each time it is drawn, so that a new theme needs no new plot. */
import type { Axis, Options, Scale, Series } from 'uplot';

/** A token's value as the canvas understands it, by a probe that the browser resolves. */
export function tokenColour(element: Element, token: string): string {
  return getComputedStyle(element).getPropertyValue(`--plot-${token}`) || 'currentcolor';
}

export type PlotOptions = Omit<Options, 'width' | 'height'>;

/** The canvas knows no rem; a projector's page has larger ones. */
const REM = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
export const PLOT_HEIGHT = 7 * REM;
const HEIGHT_OF_TIME = 1.25 * REM;
const WIDTH_OF_VALUES = 2.4 * REM;

function axes(): Axis[] {
  const look: Axis = {
    stroke: ({ root }) => tokenColour(root, 'text'),
    grid: { stroke: ({ root }) => tokenColour(root, 'grid'), width: 1 },
    ticks: { show: false },
    font: `${0.6875 * REM}px system-ui, sans-serif`,
    gap: 4,
  };
  return [
    { ...look, size: HEIGHT_OF_TIME, space: 4.5 * REM, grid: { show: false }, values: clock },
    { ...look, size: WIDTH_OF_VALUES, space: 1.6 * REM, values: (_, splits) => splits.map(String) },
  ];
}

const hourAndMinute = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const andSecond = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** Two marks never say the same. */
const clock: Axis.Values = (_, splits, __, ___, secondsApart) => {
  const { format } = secondsApart < 60 ? andSecond : hourAndMinute;
  return splits.map((seconds) => format(seconds * 1000));
};

function line(token: string, more: Partial<Series>): Series {
  return {
    stroke: ({ root }) => tokenColour(root, token),
    width: 1.5,
    points: { show: false },
    ...more,
  };
}

/** With a little room above; from 0 to 1 while there is nothing. */
const fromZero: Scale.Range = (_, __, most: number | null) => [0, Math.max(1, (most ?? 0) * 1.15)];

const shared: Partial<PlotOptions> = {
  cursor: { sync: { key: 'countersign' }, drag: { x: false, y: false }, points: { size: 6 } },
  legend: { show: false },
  padding: [8, 20, 0, 0],
};

export const ratePlot: PlotOptions = {
  ...shared,
  scales: { y: { range: fromZero } },
  axes: axes(),
  series: [
    {},
    line('good', { fill: ({ root }) => tokenColour(root, 'good-fill') }),
    line('bad', { dash: [4, 3], width: 2 }),
  ],
};

export const latencyPlot: PlotOptions = {
  ...shared,
  scales: { y: { range: fromZero } },
  axes: axes(),
  series: [{}, line('accent', {}), line('accent', { dash: [4, 3] })],
};
