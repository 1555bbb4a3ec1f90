/** One uPlot, as wide as its place, drawn anew when data or theme change. */
import { useEffect, useRef } from 'react';
import UPlot, { type AlignedData } from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useWidth } from '../map/use-width.ts';
import { useShell } from '../shell/shell-store.ts';
import { type PlotOptions, tokenColour } from './plots.ts';

const HEIGHT = 112;

export interface PlotProps {
  readonly title: string;
  readonly options: PlotOptions;
  readonly data: AlignedData;
  /** Seconds since 1970 to mark with an upright line. */
  readonly marks: readonly number[];
}

export function Plot({ title, options, data, marks }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const marksNow = useRef(marks);
  const [ref, width] = useWidth();
  const theme = useShell((shell) => shell.theme);

  useEffect(() => {
    if (!place.current) return;
    const drawn = new UPlot(
      { ...options, width: 300, height: HEIGHT, hooks: { draw: [(own) => drawMarks(own, marksNow.current)] } },
      [[]],
      place.current,
    );
    plot.current = drawn;
    return () => drawn.destroy();
  }, [options]);

  useEffect(() => {
    marksNow.current = marks;
    plot.current?.setData(data);
  }, [data, marks]);

  useEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height: HEIGHT });
  }, [width]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the theme is not read here, but by the redrawing
  useEffect(() => {
    plot.current?.redraw(false, true);
  }, [theme]);

  return (
    <figure ref={ref} className="plot">
      <figcaption className="plot-title">{title}</figcaption>
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
