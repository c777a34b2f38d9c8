// Licensed under the Apache License, Version 2.0; see LICENSE.

import './tokens.css';
import './base.css';
import './shell.css';
import { render } from 'preact';
import { begin, Console } from './shell.tsx';
import { loadLanguage } from './i18n.ts';
import { listenForKeys } from './keys.ts';
import { takeOverLinks } from './router.ts';
import { applyTheme } from './settings.ts';

applyTheme();
takeOverLinks();
listenForKeys();
begin();
void loadLanguage().then(() => render(<Console />, document.getElementById('app')!));
