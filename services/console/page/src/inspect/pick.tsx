/** One line of a list of things to inspect. */
import type { ReactNode } from 'react';
import { Button } from 'react-aria-components';

export interface PickProps {
  readonly onPress: () => void;
  readonly before?: ReactNode;
  readonly title: string;
  readonly detail?: string | undefined;
  readonly after?: ReactNode;
}

export function Pick({ onPress, before, title, detail, after }: PickProps) {
  return (
    <li>
      <Button className="pick" onPress={onPress}>
        {before && <span className="pick-before">{before}</span>}
        <span className="pick-words">
          <span className="pick-title">{title}</span>
          {detail && <span className="pick-detail">{detail}</span>}
        </span>
        {after}
      </Button>
    </li>
  );
}
