/** Short messages about what a press has done, at the corner; read out by screen readers, and gone by themselves unless bad. */
import { CircleCheck, Info, OctagonX, X } from 'lucide-react';
import {
  Text,
  UNSTABLE_Toast as Toast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastList as ToastList,
  UNSTABLE_ToastQueue as ToastQueue,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { IconButton } from './button.tsx';
import './overlay.css';

export interface Message {
  readonly kind: 'good' | 'bad' | 'info';
  readonly title: string;
  readonly detail?: string;
}

const SHOWN_FOR_MS = 7000;
const icons = { good: CircleCheck, bad: OctagonX, info: Info };
const queue = new ToastQueue<Message>({ maxVisibleToasts: 3 });

/** A bad one stays until it is closed. */
export function notify(message: Message): void {
  queue.add(message, message.kind === 'bad' ? {} : { timeout: SHOWN_FOR_MS });
}

export function Toasts() {
  return (
    <ToastRegion queue={queue} className="toasts">
      <ToastList<Message>>
        {({ toast }) => {
          const Icon = icons[toast.content.kind];
          return (
            <Toast toast={toast} className={`toast toast-${toast.content.kind}`}>
              <Icon aria-hidden />
              <ToastContent>
                <Text slot="title" className="toast-title">
                  {toast.content.title}
                </Text>
                {toast.content.detail && (
                  <Text slot="description" className="toast-detail">
                    {toast.content.detail}
                  </Text>
                )}
              </ToastContent>
              <IconButton slot="close" size="s" icon={X} label="Close" />
            </Toast>
          );
        }}
      </ToastList>
    </ToastRegion>
  );
}
