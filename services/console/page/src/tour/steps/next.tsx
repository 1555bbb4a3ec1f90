/** Last step: where to go from here. */
import { ArrowRight } from 'lucide-react';
import { Button } from '../../design/index.ts';
import { type TabId, useShell } from '../../shell/shell-store.ts';
import { useDone } from '../tour-store.ts';

const WAYS: readonly { readonly tab: TabId; readonly text: string }[] = [
  { tab: 'identities', text: 'Replace the whole certificate authority' },
  { tab: 'identities', text: 'Federate with a partner, and see it believed but not let in' },
  { tab: 'attacks', text: 'Try every attack of the deny matrix' },
  { tab: 'policy', text: 'See what a change of policy would do before it does' },
];

export function Next() {
  const openTab = useShell((shell) => shell.openTab);
  useDone('next', true);
  return (
    <>
      <p>That is the whole idea. From here:</p>
      <ul className="tour-ways">
        {WAYS.map(({ tab, text }) => (
          <li key={text}>
            <Button size="s" variant="quiet" icon={ArrowRight} onPress={() => openTab(tab)}>
              {text}
            </Button>
          </li>
        ))}
      </ul>
      <p className="small muted">
        Then <code>npm run start:spire</code> runs the same services on real SPIRE, and <code>tilt up</code> on
        Kubernetes, without a line of theirs changed.
      </p>
    </>
  );
}
