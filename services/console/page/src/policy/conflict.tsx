/** Somebody else applied a change while this one was written. Neither is lost without a word. */
import { Banner, Button } from '../design/index.ts';
import { settle, usePolicy } from './policy-store.ts';

export function Conflict() {
  const conflict = usePolicy((policy) => policy.conflict);
  if (conflict === undefined) return null;
  return (
    <div role="alert">
      <Banner
        kind="warn"
        title="The grants have changed meanwhile"
        action={
          <div className="row">
            <Button size="s" onPress={() => settle('theirs')}>
              Take theirs
            </Button>
            <Button size="s" onPress={() => settle('mine')}>
              Keep my text
            </Button>
          </div>
        }
      >
        Something else applied a change after you began. Take theirs and lose your edits, or keep your text and see
        again what it would change.
      </Banner>
    </div>
  );
}
