/** The page's own small set of components, over react-aria's. Views use these, and react-aria where these have nothing. */
export { Banner } from './banner.tsx';
export { Part } from './boundary.tsx';
export { Button, IconButton } from './button.tsx';
export { CopyButton } from './copy.tsx';
export { Confirm } from './dialog.tsx';
export { briefly, countdown, inWords, milliseconds, plural } from './duration.ts';
export { type Fact, Facts } from './facts.tsx';
export { Panel, Section } from './panel.tsx';
export { lastSegment, shortId, shortSerial } from './short-id.ts';
export { SpiffeId } from './spiffe-id.tsx';
export { Empty, Failed, Loading } from './states.tsx';
export { type Column, Table } from './table.tsx';
export { OutcomeTag, outcomeLooks, StateTag, Tag, type Tone } from './tag.tsx';
export { Term } from './term.tsx';
export { Time } from './time.tsx';
export { Tip } from './tip.tsx';
