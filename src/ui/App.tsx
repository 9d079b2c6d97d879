import type { ComponentType } from 'react';
import { lazy, Suspense } from 'react';
import { Route, Switch } from 'wouter';
import { useSigning } from './hooks/signing.ts';
import HomePage from './pages/HomePage.tsx';
import { Waiting } from './parts/Notice.tsx';
import { Shell } from './shell/Shell.tsx';

const SigningSheet = lazy(() => import('./entities/SigningSheet.tsx'));

const ROUTES: readonly (readonly [path: string, Page: ComponentType])[] = [
  ['/', HomePage],
  ['/welcome', lazy(() => import('./pages/WelcomePage.tsx'))],
  ['/sign-in', lazy(() => import('./pages/SignInPage.tsx'))],
  ['/send', lazy(() => import('./pages/SendPage.tsx'))],
  ['/receive', lazy(() => import('./pages/ReceivePage.tsx'))],
  ['/scan', lazy(() => import('./pages/ScanPage.tsx'))],
  ['/contacts', lazy(() => import('./pages/ContactsPage.tsx'))],
  ['/explorer', lazy(() => import('./pages/ExplorerPage.tsx'))],
  ['/block/:id', lazy(() => import('./pages/BlockPage.tsx'))],
  ['/tx/:id', lazy(() => import('./pages/TransactionPage.tsx'))],
  ['/account/:address', lazy(() => import('./pages/AccountPage.tsx'))],
  ['/asset/:id', lazy(() => import('./pages/AssetPage.tsx'))],
  ['/search/:text', lazy(() => import('./pages/SearchPage.tsx'))],
  ['/network', lazy(() => import('./pages/NetworkPage.tsx'))],
  ['/node', lazy(() => import('./pages/NodePage.tsx'))],
  ['/settings', lazy(() => import('./pages/SettingsPage.tsx'))],
  ['/settings/keys', lazy(() => import('./pages/KeysPage.tsx'))],
  ['/more', lazy(() => import('./pages/MorePage.tsx'))],
];
const NotFoundPage = lazy(() => import('./pages/NotFoundPage.tsx'));

/** The whole app: a frame, one page in it, and the signing sheet above all. */
export function App() {
  const request = useSigning((signing) => signing.request);
  return (
    <Shell>
      <Suspense fallback={<Waiting>Opening…</Waiting>}>
        <Switch>
          {ROUTES.map(([path, Page]) => (
            <Route key={path} path={path}>
              <Page />
            </Route>
          ))}
          <Route>
            <NotFoundPage />
          </Route>
        </Switch>
      </Suspense>
      {request === undefined ? null : (
        <Suspense fallback={null}>
          <SigningSheet request={request} />
        </Suspense>
      )}
    </Shell>
  );
}
