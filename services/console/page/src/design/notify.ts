/** Short messages about what a press has done. Shown by {@link Toasts}, which is fetched with the first of them. */
import { UNSTABLE_ToastQueue as ToastQueue } from 'react-aria-components';

export interface Message {
  readonly kind: 'good' | 'bad' | 'info';
  readonly title: string;
  readonly detail?: string;
}

const SHOWN_FOR_MS = 7000;
export const messages = new ToastQueue<Message>({ maxVisibleToasts: 3 });

/** A bad one stays until it is closed. */
export function notify(message: Message): void {
  messages.add(message, message.kind === 'bad' ? {} : { timeout: SHOWN_FOR_MS });
}
