//! axe-core, which checks the open page for what keeps people with a screen reader, a keyboard or weak sight out.

use serde_json::Value;

use crate::tools::browser::Browser;
use crate::tools::install;

const AXE: &str = "axe-core@4.14.1";

/// Every rule that axe has on by default, with the elements that break it.
const RUN: &str = r"
return axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
  violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.target.join(' ')} ${node.failureSummary}`).join('; ')}`));";

/// The violations that axe reports on the page. Without npm it reports nothing.
pub(crate) async fn violations(browser: &Browser) -> Value {
    let Some(folder) = install::npm(&[AXE]) else { return Value::Array(Vec::new()) };
    if browser.script("return typeof axe").await == "undefined" {
        let source = std::fs::read_to_string(folder.join("node_modules/axe-core/axe.min.js")).unwrap();
        browser.script(&source).await;
    }
    browser.script(RUN).await
}
