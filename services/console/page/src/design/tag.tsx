/** A word in a capsule. Whatever has a colour has an icon and a word as well. */
import {
  CircleCheck,
  CircleSlash,
  EyeOff,
  type LucideIcon,
  OctagonX,
  ScanEye,
  ShieldAlert,
  TriangleAlert,
} from 'lucide-react';
import type { ReactNode } from 'react';
import type { Outcome, WorkloadState } from '../../../src/wire/model.ts';
import './tag.css';

export type Tone = 'good' | 'warn' | 'bad' | 'accent' | 'neutral';

export interface TagProps {
  readonly tone?: Tone;
  readonly icon?: LucideIcon;
  readonly children: ReactNode;
}

export function Tag({ tone = 'neutral', icon: Icon, children }: TagProps) {
  return (
    <span className={`tag tag-${tone}`}>
      {Icon && <Icon aria-hidden />}
      {children}
    </span>
  );
}

interface Look {
  readonly tone: Tone;
  readonly icon: LucideIcon;
  readonly word: string;
}

/** How each outcome is shown, everywhere on the page. */
export const outcomeLooks: Readonly<Record<Outcome, Look>> = {
  allow: { tone: 'good', icon: CircleCheck, word: 'allowed' },
  deny: { tone: 'bad', icon: OctagonX, word: 'denied' },
  refused: { tone: 'bad', icon: CircleSlash, word: 'refused' },
  error: { tone: 'warn', icon: TriangleAlert, word: 'failed' },
};

/** How each state of a workload is shown. */
export const stateLooks: Readonly<Record<WorkloadState, Look>> = {
  ready: { tone: 'good', icon: CircleCheck, word: 'ready' },
  'no-identity': { tone: 'bad', icon: ShieldAlert, word: 'no identity' },
  silent: { tone: 'warn', icon: EyeOff, word: 'silent' },
  seen: { tone: 'neutral', icon: ScanEye, word: 'seen' },
};

export function OutcomeTag({ outcome }: { readonly outcome: Outcome }) {
  const { tone, icon, word } = outcomeLooks[outcome];
  return (
    <Tag tone={tone} icon={icon}>
      {word}
    </Tag>
  );
}

export function StateTag({ state }: { readonly state: WorkloadState }) {
  const { tone, icon, word } = stateLooks[state];
  return (
    <Tag tone={tone} icon={icon}>
      {word}
    </Tag>
  );
}
