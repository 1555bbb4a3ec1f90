/** Starts the page: its styles, the stream of events, and the view. */
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import './design/tokens.css';
import './design/base.css';
import { startLive } from './live/index.ts';
import { allowEmptyMarkup } from './shell/trusted-types.ts';

const root = document.getElementById('page');
if (!root) throw new Error('page: index.html has no element with the ID "page"');
allowEmptyMarkup();
startLive();
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
