/** The first steps of a task: its examples, then its name and domain. What was chosen stands in the address. */

import { useSearchParams } from "react-router";

import { PageHeader } from "@/components/ui/PageHeader";
import { Steps } from "@/components/ui/Steps";
import { usePageTitle } from "@/lib/page-title";

import { paths } from "../paths";
import { useParam } from "../use-params";
import { DataStep } from "./wizard/DataStep";
import { NameStep } from "./wizard/NameStep";
import { stepNames } from "./wizard/steps";

export function NewTaskPage() {
  usePageTitle("New task");
  const tenant = useParam("tenant");
  const [address, setAddress] = useSearchParams();
  const dataset = address.get("dataset");
  return (
    <>
      <PageHeader
        title="New task"
        description="From a file of examples to a model that answers."
        trail={[{ label: "Tasks", to: paths.tasks(tenant) }]}
      />
      <Steps names={stepNames} current={dataset === null ? 0 : 1} />
      {dataset === null ? (
        <DataStep tenant={tenant} onChosen={(id) => setAddress({ dataset: id })} />
      ) : (
        <NameStep tenant={tenant} dataset={dataset} onBack={() => setAddress({})} />
      )}
    </>
  );
}
