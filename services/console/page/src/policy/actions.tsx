/** Apply, undo, discard, and what state the text is in. */
import { Check, Undo2 } from 'lucide-react';
import { useState } from 'react';
import { Button, plural, Tag, type Tone } from '../design/index.ts';
import { ApplyConfirm } from './apply-confirm.tsx';
import { flipsOf, takesAway } from './flips.ts';
import { apply, discard, isEdited, type Policy, undo, usePolicy } from './policy-store.ts';

export function Actions({ why }: { readonly why: string | undefined }) {
  const policy = usePolicy();
  const { base, check, working, conflict } = policy;
  const [asking, setAsking] = useState(false);
  const edited = isEdited(policy);
  const lost = flipsOf(check?.changed ?? []).filter(takesAway);
  const blocked = why !== undefined || working !== undefined || conflict !== undefined;
  const begin = () => (lost.length > 0 ? setAsking(true) : void apply());
  return (
    <div className="policy-actions">
      <Button
        variant="primary"
        icon={Check}
        isPending={working === 'apply'}
        isDisabled={blocked || !edited || check?.valid !== true}
        onPress={begin}
      >
        Apply
      </Button>
      {edited ? (
        <Button onPress={discard} isDisabled={working !== undefined}>
          Discard edits
        </Button>
      ) : (
        <Button
          icon={Undo2}
          isPending={working === 'undo'}
          isDisabled={blocked || (base?.undoable ?? 0) === 0}
          onPress={() => void undo()}
        >
          Undo
        </Button>
      )}
      <span role="status" aria-label="Validity">
        <State policy={policy} edited={edited} />
      </span>
      <ApplyConfirm flips={lost} isOpen={asking} onClose={() => setAsking(false)} onConfirm={() => void apply()} />
    </div>
  );
}

function State({ policy, edited }: { readonly policy: Policy; readonly edited: boolean }) {
  const [tone, text] = stateOf(policy, edited);
  return <Tag tone={tone}>{text}</Tag>;
}

function stateOf({ base, check, failed }: Policy, edited: boolean): readonly [Tone, string] {
  if (!edited) {
    if (base?.asGenerated === true) return ['neutral', 'as generated'];
    const count = base?.undoable ?? 0;
    return ['accent', count === 0 ? 'changed' : `${plural(count, 'change')} applied`];
  }
  if (check === undefined) return failed === undefined ? ['neutral', 'checking'] : ['warn', 'not checked'];
  if (!check.valid) return ['bad', plural(check.problems.length, 'problem')];
  const { tried, changed } = check;
  return ['good', tried === 0 ? 'valid' : `valid, changes ${changed.length} of ${plural(tried, 'recent decision')}`];
}
