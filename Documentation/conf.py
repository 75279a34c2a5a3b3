# SPDX-License-Identifier: GPL-2.0
"""Sphinx settings. kernel-doc.sh has fetched the kernel's extension."""

import os
import re
import sys

kit = os.environ["PIOTRAP_KERNEL_DOC"]
top = os.path.abspath("..")
sys.path.insert(0, os.path.join(kit, "Documentation/sphinx"))

project = "piotrap"
author = "the piotrap authors"
copyright = author
with open(os.path.join(top, "dkms.conf"), encoding="utf-8") as f:
    version = re.search(r'^PACKAGE_VERSION="(.*)"', f.read(), re.M).group(1)
release = version

extensions = ["kerneldoc"]
kerneldoc_bin = os.path.join(kit, "scripts/kernel-doc")
kerneldoc_srctree = top
# What kernel-doc warns about check.sh makes an error.
kerneldoc_verbosity = 1

root_doc = "index"
exclude_patterns = ["man"]
primary_domain = "c"
highlight_language = "none"
# Types that are not documented here.
nitpick_ignore_regex = [("c:identifier", ".*")]

html_theme = "alabaster"
html_show_copyright = False
html_theme_options = {"page_width": "60em", "sidebar_width": "14em"}
