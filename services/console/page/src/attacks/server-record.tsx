/** The server's own record of an attack, as it wrote it; text, whatever is in it. */
import { ChevronRight } from 'lucide-react';
import { Button as AriaButton, Disclosure, DisclosurePanel } from 'react-aria-components';
import type { AttackResult } from '../../../src/wire/actions.ts';

export function ServerRecord({ record }: { readonly record: NonNullable<AttackResult['record']> }) {
  return (
    <Disclosure className="attack-record">
      <AriaButton slot="trigger" className="attack-trigger">
        <ChevronRight aria-hidden />
        The server’s own record
      </AriaButton>
      <DisclosurePanel>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <pre tabIndex={0}>{JSON.stringify(record, null, 2)}</pre>
      </DisclosurePanel>
    </Disclosure>
  );
}
