/** A button that copies a text, and says that it did. */
import { Check, Copy } from 'lucide-react';
import { useEffect, useState } from 'react';
import { IconButton } from './button.tsx';
import { notify } from './notify.ts';

const SAID_FOR_MS = 1500;

export interface CopyButtonProps {
  readonly text: string;
  /** What it copies, for its name: `the SPIFFE ID`. */
  readonly what: string;
}

export function CopyButton({ text, what }: CopyButtonProps) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  const copy = () => {
    navigator.clipboard.writeText(text).then(
      () => setCopied(true),
      (error: unknown) => notify({ kind: 'bad', title: `Can’t copy ${what}`, detail: String(error) }),
    );
  };
  return (
    <>
      <IconButton size="s" icon={copied ? Check : Copy} label={copied ? 'Copied' : `Copy ${what}`} onPress={copy} />
      <span className="visually-hidden" role="status">
        {copied ? `Copied ${what}` : ''}
      </span>
    </>
  );
}
