/** Buttons: one with words, and one that is an icon alone and shows its name on hover and focus. */
import { LoaderCircle, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import {
  Button as AriaButton,
  type ButtonProps as AriaButtonProps,
  ProgressBar,
  TooltipTrigger,
} from 'react-aria-components';
import { Tip } from './tip.tsx';
import './button.css';

export interface ButtonProps extends Omit<AriaButtonProps, 'children' | 'className' | 'style'> {
  /** `primary` once a view, `danger` for what takes something away, `quiet` inside lists, `link` inside text and tables. */
  readonly variant?: 'primary' | 'secondary' | 'quiet' | 'danger' | 'link';
  readonly size?: 's' | 'm';
  readonly icon?: LucideIcon;
  readonly children: ReactNode;
}

/** While `isPending` it keeps the focus, can't be pressed, and says so to screen readers. */
export function Button({ variant = 'secondary', size = 'm', icon: Icon, children, ...rest }: ButtonProps) {
  const Shown = rest.isPending ? LoaderCircle : Icon;
  return (
    <AriaButton {...rest} className={`button button-${variant} button-${size}`}>
      {Shown && <Shown aria-hidden className={rest.isPending ? 'spin' : undefined} />}
      <span>{children}</span>
      {/* What react-aria reads out while it is pending. */}
      {rest.isPending && <ProgressBar aria-label="Working" isIndeterminate className="visually-hidden" />}
    </AriaButton>
  );
}

export interface IconButtonProps extends Omit<AriaButtonProps, 'children' | 'className' | 'style' | 'aria-label'> {
  readonly label: string;
  readonly icon: LucideIcon;
  readonly size?: 's' | 'm';
}

export function IconButton({ label, icon: Icon, size = 'm', ...rest }: IconButtonProps) {
  return (
    <TooltipTrigger delay={400}>
      <AriaButton {...rest} aria-label={label} className={`button button-icon button-${size}`}>
        <Icon aria-hidden />
      </AriaButton>
      <Tip>{label}</Tip>
    </TooltipTrigger>
  );
}
