/** Room for messages at the corner, fetched with the first one. */
import { lazy, useEffect, useState } from 'react';
import { Part } from '../design/index.ts';
import { messages } from '../design/notify.ts';

const Toasts = lazy(() => import('../design/toast.tsx'));

export function Messages() {
  const [needed, setNeeded] = useState(false);
  useEffect(() => messages.subscribe(() => setNeeded(true)), []);
  return needed ? (
    <Part what="messages">
      <Toasts />
    </Part>
  ) : null;
}
