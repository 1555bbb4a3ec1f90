/** A technical word that explains itself: underlined with dots, and on press a popover with two plain sentences. */
import type { ReactNode } from 'react';
import { Button, Dialog, DialogTrigger, Heading, Popover } from 'react-aria-components';
import { type TermId, terms } from './terms.ts';
import './term.css';
import './overlay.css';

export interface TermProps {
  readonly id: TermId;
  /** The word as the sentence needs it; else as the glossary has it. */
  readonly children?: ReactNode;
}

export function Term({ id, children }: TermProps) {
  const { word, means } = terms[id];
  return (
    <DialogTrigger>
      <Button className="term" aria-description="What is this?">
        {children ?? word}
      </Button>
      <Popover className="popover" placement="top">
        <Dialog className="term-dialog">
          <Heading slot="title" className="term-word">
            {word.charAt(0).toUpperCase() + word.slice(1)}
          </Heading>
          <p>{means}</p>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
