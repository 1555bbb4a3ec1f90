/** The page's header: whose page it is, whether it is live, what system it shows, and how it looks. */
import { CircleHelp, Monitor, Moon, Sun } from 'lucide-react';
import { useSession } from '../api/index.ts';
import { Button, IconButton, Term } from '../design/index.ts';
import { ConnectionState } from './connection-state.tsx';
import mark from './mark.svg';
import { useShell } from './shell-store.ts';
import { nextTheme } from './theme.ts';
import './header.css';

const providers = { embedded: 'development trust domain', spire: 'SPIRE' };
const themeIcons = { system: Monitor, light: Sun, dark: Moon };

export function Header() {
  const openTour = useShell((shell) => shell.openTour);
  return (
    <header className="header">
      <h1 className="header-name">
        <img src={mark} alt="" width="28" height="28" />
        Countersign
      </h1>
      <ConnectionState />
      <System />
      <div className="header-actions">
        <Button variant="quiet" size="s" icon={CircleHelp} onPress={openTour}>
          Tour
        </Button>
        <ThemeButton />
      </div>
    </header>
  );
}

function System() {
  const session = useSession();
  if (session.state !== 'ready' || !session.session.stack) return null;
  const { provider, trustDomain } = session.session.stack;
  return (
    <p className="header-system">
      <span>
        <Term id="trust-domain">Trust domain</Term> <strong>{trustDomain}</strong>
      </span>
      <span className="header-provider">from {providers[provider]}</span>
    </p>
  );
}

function ThemeButton() {
  const theme = useShell((shell) => shell.theme);
  const setTheme = useShell((shell) => shell.setTheme);
  return (
    <IconButton
      icon={themeIcons[theme]}
      label="Theme"
      aria-description={`Now: ${theme}. Changes to ${nextTheme(theme)}.`}
      onPress={() => setTheme(nextTheme(theme))}
    />
  );
}
