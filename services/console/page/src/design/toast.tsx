/** The messages of notify.ts at the corner; read out by screen readers, and gone by themselves unless bad. */
import { CircleCheck, Info, OctagonX, X } from 'lucide-react';
import {
  Text,
  UNSTABLE_Toast as Toast,
  UNSTABLE_ToastContent as ToastContent,
  UNSTABLE_ToastList as ToastList,
  UNSTABLE_ToastRegion as ToastRegion,
} from 'react-aria-components';
import { IconButton } from './button.tsx';
import { type Message, messages } from './notify.ts';
import './overlay.css';

const icons = { good: CircleCheck, bad: OctagonX, info: Info };

export default function Toasts() {
  return (
    <ToastRegion queue={messages} className="toasts">
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
