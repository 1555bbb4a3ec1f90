/** A SPIFFE ID, shortened in place: the trust domain's name and the last segment stay, the whole is shown on hover and focus. */
import { Button, TooltipTrigger } from 'react-aria-components';
import { CopyButton } from './copy.tsx';
import { shortId } from './short-id.ts';
import { Tip } from './tip.tsx';
import './spiffe-id.css';

export interface SpiffeIdProps {
  readonly id: string;
  /** Leave out the copy button, where many stand together. */
  readonly plain?: boolean;
  /** In full; wraps. */
  readonly whole?: boolean;
}

export function SpiffeId({ id, plain = false, whole = false }: SpiffeIdProps) {
  return (
    <span className="spiffe-id">
      {whole ? (
        <code>{id}</code>
      ) : (
        <TooltipTrigger delay={200}>
          <Button className="spiffe-id-short">
            {shortId(id)}
            <span className="visually-hidden">, in full {id}</span>
          </Button>
          <Tip>{id}</Tip>
        </TooltipTrigger>
      )}
      {!plain && <CopyButton text={id} what="the SPIFFE ID" />}
    </span>
  );
}
