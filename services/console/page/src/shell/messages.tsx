/** Room for messages at the corner, fetched with the first one. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { messages } from '../design/notify.ts';

const Toasts = lazy(() => import('../design/toast.tsx'));

export function Messages() {
  const [needed, setNeeded] = useState(false);
  useEffect(() => messages.subscribe(() => setNeeded(true)), []);
  return needed ? (
    <Suspense>
      <Toasts />
    </Suspense>
  ) : null;
}
