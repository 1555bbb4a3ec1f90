/** A slider with its value beside the label. */
import type { ReactNode } from 'react';
import {
  Slider as AriaSlider,
  type SliderProps as AriaSliderProps,
  Label,
  SliderFill,
  SliderOutput,
  SliderThumb,
  SliderTrack,
} from 'react-aria-components';
import './field.css';

export interface SliderProps extends Omit<AriaSliderProps<number>, 'children' | 'className' | 'style'> {
  readonly label: string;
  /** What the output says; the value alone when there is none. */
  readonly say?: (value: number) => ReactNode;
}

export function Slider({ label, say, ...rest }: SliderProps) {
  return (
    <AriaSlider {...rest} className="slider">
      <Label className="field-label">{label}</Label>
      <SliderOutput className="slider-output">
        {({ state }) => {
          const value = state.values[0] ?? 0;
          return say ? say(value) : value;
        }}
      </SliderOutput>
      <SliderTrack className="slider-track">
        <SliderFill className="slider-fill" />
        <SliderThumb className="slider-thumb" />
      </SliderTrack>
    </AriaSlider>
  );
}
