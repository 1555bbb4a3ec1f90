/** One uPlot, as wide as its place, drawn anew when data or theme change; above it what its lines are and were. */
import { type ReactNode, useEffect, useRef, useState } from 'react';
import UPlot, { type AlignedData } from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useWidth } from '../map/use-width.ts';
import { useShell } from '../shell/shell-store.ts';
import { PLOT_HEIGHT, type PlotOptions, tokenColour } from './plots.ts';

export interface PlotProps {
  /** @param at of the sample to name: the one below the pointer, or the latest */
  readonly title: (at: number) => ReactNode;
  readonly options: PlotOptions;
  readonly data: AlignedData;
  /** Seconds since 1970 to mark with an upright line. */
  readonly marks: readonly number[];
}

export function Plot({ title, options, data, marks }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const marksNow = useRef(marks);
  const [pointed, setPointed] = useState<number>();
  const [ref, width] = useWidth();
  const theme = useShell((shell) => shell.theme);

  useEffect(() => {
    if (!place.current) return;
    const hooks = {
      draw: [(own: UPlot) => drawMarks(own, marksNow.current)],
      setCursor: [(own: UPlot) => setPointed(own.cursor.idx ?? undefined)],
    };
    const drawn = new UPlot({ ...options, width: 300, height: PLOT_HEIGHT, hooks }, [[]], place.current);
    plot.current = drawn;
    return () => drawn.destroy();
  }, [options]);

  useEffect(() => {
    marksNow.current = marks;
    plot.current?.setData(data);
  }, [data, marks]);

  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: PLOT_HEIGHT });
  }, [width]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is not read here, but by the redrawing
  useEffect(() => {
    plot.current?.redraw(false, true);
  }, [theme]);

  return (
    <figure ref={ref} className="plot">
      <figcaption className="plot-title">{title(pointed ?? data[0].length - 1)}</figcaption>
      <div ref={place} />
    </figure>
  );
}

/** Dotted, with a small diamond on top: certificates were replaced. */
function drawMarks(plot: UPlot, marks: readonly number[]): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = tokenColour(plot.root, 'accent');
  ctx.setLineDash([2, 3]);
  for (const at of marks) {
    const x = Math.round(plot.valToPos(at, 'x', true));
    if (x < bbox.left) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x, bbox.top - 4);
    ctx.lineTo(x + 4, bbox.top);
    ctx.lineTo(x, bbox.top + 4);
    ctx.lineTo(x - 4, bbox.top);
    ctx.fill();
  }
  ctx.restore();
}
