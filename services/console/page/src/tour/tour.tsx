/**
 * The tour: a card at the corner, beside what it talks about and never over the map. Each step has a button that does it for
 * real, and notices when it was done, by whichever button. It can be left, folded and taken up again.
 */
import { ChevronDown, ChevronUp, CircleCheck, X } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { Button, IconButton } from '../design/index.ts';
import { back, goTo, onward, STEPS, type StepId } from './progress.ts';
import { steps } from './steps.ts';
import { restart, travel, useTour } from './tour-store.ts';
import { usePointer } from './use-pointer.ts';
import './tour.css';

export default function Tour({ onClose }: { readonly onClose: () => void }) {
  const { at, done } = useTour((tour) => tour.progress);
  const [folded, setFolded] = useState(false);
  const heading = useHeadingFocus(at);
  const { title, target, Content } = steps[at];
  usePointer(target);
  return (
    <aside className="tour" aria-label="Tour" data-folded={folded || undefined}>
      <header className="tour-head">
        <p className="tour-count">
          Tour, step {STEPS.indexOf(at) + 1} of {STEPS.length}
        </p>
        <IconButton
          size="s"
          icon={folded ? ChevronUp : ChevronDown}
          label={folded ? 'Unfold the tour' : 'Fold the tour'}
          onPress={() => setFolded(!folded)}
        />
        <IconButton size="s" icon={X} label="Leave the tour" onPress={onClose} />
        <h2 tabIndex={-1} ref={heading}>
          {title}
          {done.includes(at) && (
            <span className="tour-done">
              <CircleCheck aria-hidden /> done
            </span>
          )}
        </h2>
      </header>
      {!folded && (
        <>
          <div className="tour-body" key={at}>
            <Content />
          </div>
          <Foot at={at} done={done} onClose={onClose} />
        </>
      )}
    </aside>
  );
}

interface FootProps {
  readonly at: StepId;
  readonly done: readonly StepId[];
  readonly onClose: () => void;
}

function Foot({ at, done, onClose }: FootProps) {
  const isLast = at === STEPS.at(-1);
  const finish = () => {
    restart();
    onClose();
  };
  return (
    <footer className="tour-foot">
      <ol className="tour-steps" aria-label="Steps of the tour">
        {STEPS.map((step, index) => (
          <li key={step}>
            <button
              type="button"
              className="tour-step"
              aria-label={`${index + 1}: ${steps[step].title}${done.includes(step) ? ', done' : ''}`}
              aria-current={step === at ? 'step' : undefined}
              data-done={done.includes(step) || undefined}
              onClick={() => travel((progress) => goTo(progress, step))}
            />
          </li>
        ))}
      </ol>
      <Button size="s" isDisabled={at === STEPS[0]} onPress={() => travel(back)}>
        Back
      </Button>
      {isLast ? (
        <Button size="s" variant="primary" onPress={finish}>
          Finish
        </Button>
      ) : (
        <Button size="s" variant={done.includes(at) ? 'primary' : 'secondary'} onPress={() => travel(onward)}>
          {done.includes(at) ? 'Next' : 'Skip'}
        </Button>
      )}
    </footer>
  );
}

/** The focus goes to each new step's heading, so that it is read out; not to the first one of a visit, which nobody asked for. */
function useHeadingFocus(at: StepId) {
  const heading = useRef<HTMLHeadingElement>(null);
  const shown = useRef<StepId>(undefined);
  useEffect(() => {
    const isAsked = shown.current !== undefined || document.activeElement !== document.body;
    if (shown.current !== at && isAsked) heading.current?.focus({ preventScroll: true });
    shown.current = at;
  }, [at]);
  return heading;
}
