/** Which page stands at which address. A first visit loads the way to sign in; what is behind it comes when opened. */

import { Center, Loader } from "@mantine/core";
import type { ComponentType } from "react";
import type { RouteObject } from "react-router";

import { fetchCode } from "@/lib/use-code";

import { HomePage } from "./pages/HomePage";
import { NotFoundPage } from "./pages/NotFoundPage";
import { SignInPage } from "./pages/SignInPage";
import { Root } from "./Root";
import { RouteError } from "./RouteError";
import { SignedIn } from "./SignedIn";

/** A page that is loaded when its address is first opened. */
function later(load: () => Promise<ComponentType>): Pick<RouteObject, "lazy"> {
  return { lazy: async () => ({ Component: await fetchCode(load) }) };
}

export const routes: RouteObject[] = [
  {
    element: <Root />,
    errorElement: <RouteError />,
    hydrateFallbackElement: (
      <Center h="100vh">
        <Loader aria-label="Loading" />
      </Center>
    ),
    children: [
      { path: "/sign-in", element: <SignInPage /> },
      { path: "/sign-up", ...later(async () => (await import("./pages/SignUpPage")).SignUpPage) },
      {
        path: "/forgotten-password",
        ...later(async () => (await import("./pages/ForgottenPasswordPage")).ForgottenPasswordPage),
      },
      {
        path: "/new-password",
        ...later(async () => (await import("./pages/NewPasswordPage")).NewPasswordPage),
      },
      {
        path: "/confirm-email",
        ...later(async () => (await import("./pages/ConfirmEmailPage")).ConfirmEmailPage),
      },
      {
        path: "/invitation",
        ...later(async () => (await import("./pages/InvitationPage")).InvitationPage),
      },
      {
        element: <SignedIn />,
        children: [
          { path: "/", element: <HomePage /> },
          {
            path: "/account",
            ...later(async () => (await import("./pages/AccountPage")).AccountPage),
          },
          {
            path: "/new-tenant",
            ...later(async () => (await import("./pages/NewTenantPage")).NewTenantPage),
          },
          {
            path: "/t/:tenant",
            ...later(async () => (await import("./Frame")).Frame),
            children: [
              {
                index: true,
                ...later(async () => (await import("./pages/OverviewPage")).OverviewPage),
              },
              {
                path: "tasks",
                ...later(async () => (await import("./pages/TasksPage")).TasksPage),
              },
              {
                path: "new-task",
                ...later(async () => (await import("./pages/NewTaskPage")).NewTaskPage),
              },
              {
                path: "new-task/:task",
                ...later(async () => (await import("./pages/SetUpTaskPage")).SetUpTaskPage),
              },
              {
                path: "tasks/:task",
                ...later(async () => (await import("./pages/TaskPage")).TaskPage),
              },
              {
                path: "tasks/:task/try",
                ...later(async () => (await import("./pages/TryPage")).TryPage),
              },
              {
                path: "tasks/:task/compare",
                ...later(async () => (await import("./pages/ComparePage")).ComparePage),
              },
              {
                path: "tasks/:task/import",
                ...later(async () => (await import("./pages/ImportPage")).ImportPage),
              },
              {
                path: "tasks/:task/trainings/:training",
                ...later(async () => (await import("./pages/TrainingPage")).TrainingPage),
              },
              {
                path: "tasks/:task/versions/:version",
                ...later(async () => (await import("./pages/VersionPage")).VersionPage),
              },
              {
                path: "datasets",
                ...later(async () => (await import("./pages/DatasetsPage")).DatasetsPage),
              },
              {
                path: "datasets/:dataset",
                ...later(async () => (await import("./pages/DatasetPage")).DatasetPage),
              },
              {
                path: "domains",
                ...later(async () => (await import("./pages/DomainsPage")).DomainsPage),
              },
              {
                path: "domains/:domain",
                ...later(async () => (await import("./pages/DomainPage")).DomainPage),
              },
              {
                path: "deletions",
                ...later(async () => (await import("./pages/DeletionsPage")).DeletionsPage),
              },
              {
                path: "members",
                ...later(async () => (await import("./pages/MembersPage")).MembersPage),
              },
              {
                path: "webhooks",
                ...later(async () => (await import("./pages/WebhooksPage")).WebhooksPage),
              },
              { path: "audit", ...later(async () => (await import("./pages/AuditPage")).AuditPage) },
              {
                path: "settings",
                ...later(async () => (await import("./pages/SettingsPage")).SettingsPage),
              },
              { path: "usage", ...later(async () => (await import("./pages/UsagePage")).UsagePage) },
              { path: "keys", ...later(async () => (await import("./pages/KeysPage")).KeysPage) },
              { path: "*", element: <NotFoundPage /> },
            ],
          },
        ],
      },
      {
        path: "*",
        element: (
          <main>
            <NotFoundPage />
          </main>
        ),
      },
    ],
  },
];
