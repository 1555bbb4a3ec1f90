/** The six steps of the tour: the golden journey. */
import type { ComponentType } from 'react';
import type { StepId } from './progress.ts';
import { Look } from './steps/look.tsx';
import { Next } from './steps/next.tsx';
import { Order } from './steps/order.tsx';
import { PolicyStep } from './steps/policy.tsx';
import { Rogue } from './steps/rogue.tsx';
import { Rotate } from './steps/rotate.tsx';

export interface Step {
  readonly title: string;
  /** The `data-tour` of what is talked about. */
  readonly target: string;
  readonly Content: ComponentType;
}

export const steps: Readonly<Record<StepId, Step>> = {
  look: { title: 'Who is who', target: 'map', Content: Look },
  order: { title: 'An order goes all the way', target: 'map', Content: Order },
  rogue: { title: 'A rogue is refused', target: 'map', Content: Rogue },
  rotate: { title: 'Every certificate changes', target: 'map', Content: Rotate },
  policy: { title: 'Policy decides, and can change', target: 'tab-policy', Content: PolicyStep },
  next: { title: 'From here on', target: 'tabs', Content: Next },
};
