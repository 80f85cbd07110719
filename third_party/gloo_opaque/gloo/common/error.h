// Left open on purpose: see ../../README.md.
#pragma once
